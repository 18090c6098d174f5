"""After the warm-up no bed waits for a kernel to be compiled."""

import subprocess
import sys

from ecgstream.clock import WallClock
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings

COUNT = """
import sys
from numba.core.registry import CPUDispatcher
from ecgstream.clock import WallClock
from ecgstream.metrics import Metrics
from ecgstream.pipeline import Pipeline
from ecgstream.settings import Settings
from tests.checkpoints.beds import log

def compiled():
    rooms = [module for name, module in sys.modules.items() if name.startswith("ecgstream.")]
    kernels = {one for room in rooms for one in vars(room).values() if isinstance(one, CPUDispatcher)}
    return {f"{one.__module__}.{one.__name__}{signature}" for one in kernels for signature in one.signatures}

Pipeline(Settings(), None, Metrics(), WallClock()).warm_up()
warmed, pipeline = compiled(), Pipeline(Settings(), None, Metrics(), WallClock())
assert len(warmed) > 10  # those of cached kernels that are called from Python
for message in log():
    pipeline.process([message])
print(*sorted(compiled() - warmed), sep="\\n")
"""


def test_everything_that_ill_beds_need_is_compiled_by_the_warm_up():
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_a_daemon_with_room_for_one_bed_warms_up():
    """The warm-up has two beds."""
    Pipeline(Settings(intake={"max_streams": 1}), None, Metrics(), WallClock()).warm_up()
