"""What a process that answers requests does before it does."""

import logging
import os
import signal
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from auditapp.access.system_roles import update_system_roles
from auditapp.extensions import db
from auditapp.log.announce import tell_the_worker

# How long requests may take to end once the parent is gone: somebody may wait to start anew.
GRACE_SECONDS = 2
log = logging.getLogger(__name__)


def bring_roles_up_to_date(app: Flask) -> None:
    """Let the program's own roles follow it; where the database does not let them, the next start does."""
    with app.app_context():
        try:
            update_system_roles()
        except SQLAlchemyError as error:
            log.warning("the roles that come with the program were not brought up to date", exc_info=error)
        finally:
            db.session.remove()
            db.engine.dispose()


def have_the_worker_told(app: Flask) -> None:
    """Tell whoever follows the log of what this process records, from now on."""
    with app.app_context():
        tell_the_worker(db.engine)


def end_with(parent: BaseProcess) -> None:
    """Have this process end when its parent does, however that ended: it would keep the port, unseen."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    wait([parent.sentinel])
    log.error("the server's main process is gone: this worker ends")
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)
