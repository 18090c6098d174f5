"""Statements, superclasses and targets, by hand-worked cases."""

import numpy as np

from ecgstream.labelled import LABEL_SETS, label_names, targets
from ecgstream.labelled.statements import SNOMED, STATEMENTS, SUPERCLASSES


def test_ptbxls_seventy_one_statements_and_twelve_rhythms():
    assert len(STATEMENTS) == len(set(STATEMENTS)) == 71
    assert len(LABEL_SETS["rhythm"]) == 12


def test_a_record_belongs_to_the_superclasses_of_all_its_diagnostic_statements():
    stated = [frozenset({"IMI", "LAFB", "SR"}), frozenset({"NORM"}), frozenset({"PVC"}), frozenset({"MI"})]
    expected = [[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    assert np.array_equal(targets(stated, SUPERCLASSES), expected)


def test_statements_with_too_few_records_are_no_labels():
    stated = [frozenset({"IMI", "SR"}), frozenset({"SR"}), frozenset({"SR", "NORM"})]
    assert label_names(stated, 2) == (*SUPERCLASSES, "SR")
    assert label_names(stated, 1) == (*SUPERCLASSES, "IMI", "SR")  # NORM is there already


def test_every_snomed_code_leads_to_something_known():
    assert set(SNOMED.values()) <= {*STATEMENTS, *SUPERCLASSES}
