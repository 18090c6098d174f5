"""Second opinions on the alarms that the monitor itself raised: true, false or cannot say, and what was seen."""

from .judge import Judgement, Opinion, judge
from .kinds import KINDS
from .verdicts import Verdict, Verdicts, shipped_head

__all__ = ["KINDS", "Judgement", "Opinion", "Verdict", "Verdicts", "judge", "shipped_head"]
