"""How many requests a key or a source may make. Counted in memory, by each server for itself."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from auditapp.extensions import setting

_limiter = SlidingWindowCounterRateLimiter(MemoryStorage())


def seconds_to_wait(caller: str) -> int:
    """Count one request of a caller; return 0 if it may pass, else after how many seconds to ask again."""
    limit = RateLimitItemPerMinute(setting("REQUESTS_PER_MINUTE"))
    if _limiter.hit(limit, caller):
        return 0
    reset_at = _limiter.get_window_stats(limit, caller).reset_time
    return max(1, math.ceil(reset_at - time.time()))
