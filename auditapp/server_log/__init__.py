"""The server's own log: one line an event, on stderr. ``docs/operations.md`` lists what is in it.

Whoever logs takes ``logging.getLogger(__name__)``, gives values as ``extra={"fields": {…}}`` and an
exception as ``exc_info``, and puts neither into the message. What is known of requests is
in ``requests.py``, which only ``create_app`` knows.
"""

from auditapp.server_log.errors import describe
from auditapp.server_log.facts import denied, identify
from auditapp.server_log.setup import GRANIAN, configure

__all__ = ["GRANIAN", "configure", "denied", "describe", "identify"]
