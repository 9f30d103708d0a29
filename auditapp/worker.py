"""What is special about a worker process of our server."""

import logging
import os
import signal
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

# How long requests may take to end once the parent is gone: somebody may wait to start anew.
GRACE_SECONDS = 2
log = logging.getLogger(__name__)


def end_with(parent: BaseProcess) -> None:
    """Have this process end when its parent does, however that ended: it would keep the port, unseen."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    wait([parent.sentinel])
    log.error("the server's main process is gone: this worker ends")
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)
