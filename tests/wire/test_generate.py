"""The committed generated code is what the generator makes of the schema."""

import re

from ecgstream.wire import ecgstream_pb2 as pb
from ecgstream.wire.generate import WIRE, generate


def _without_compiler_version(text: str) -> str:
    text = re.sub(r"Protobuf Python Version: [\d.]+", "", text)
    return re.sub(r"_runtime_version\.Domain\.PUBLIC,[\s\d,]+", "", text)


def test_the_committed_code_is_current(tmp_path):
    generate(tmp_path)
    for name in ("ecgstream_pb2.py", "ecgstream_pb2.pyi"):
        fresh, committed = (_without_compiler_version((folder / name).read_text()) for folder in (tmp_path, WIRE))
        assert committed == fresh, f"{name} is stale: run python -m ecgstream.wire.generate and commit it"


def test_enums_of_the_schema_and_of_the_value_types_agree():
    from ecgstream.waveform import GroupKind, Priority

    assert dict(pb.ChannelGroup.Kind.items()) == {kind.name: kind.value for kind in GroupKind}
    priorities = {name: number for name, number in pb.Alert.Priority.items() if number}
    assert priorities == {priority.name: priority.value for priority in Priority}
