"""Messages say what the rooms found, in either form."""

from __future__ import annotations

from google.protobuf.json_format import MessageToDict

from ecgstream.diagnosis.loader import load_model
from ecgstream.wire.codec import decode

from .test_pipeline import SECOND_CUTS, messages, pipeline


def said_in(form: str) -> list:
    """Everything a bed's 30 s make the daemon say."""
    subject = pipeline(load_model(None, "cpu"), sink={"format": form})
    return [decode(each.payload, each.content_type) for each in subject.process(messages(cuts=SECOND_CUTS))]


def test_json_says_what_protobuf_says():
    """Fields written beside the message are in both."""
    told = [[MessageToDict(message) for message in said_in(form)] for form in ("protobuf", "json")]
    assert told[0] == told[1]
    assert any(len(each.get("scores", ())) >= 40 for each in told[0])
    assert any("limits" in each and each["leads"][0]["reason"] == "ok" for each in told[0])
