"""``app`` for ``flask --app app``, ``asgi`` for servers; ``python app.py`` sets up and serves that."""

import gc
import multiprocessing
import os
import signal
import sys

from auditapp import create_app, server_log
from auditapp.asgi import AsgiApp
from auditapp.config import ConfigError
from auditapp.server_process import bring_roles_up_to_date, end_with, have_the_worker_told

if (parent := multiprocessing.parent_process()) is not None:
    # A worker of our server. Ctrl-C reaches it and its parent alike, which then tells it to stop a
    # second time in the middle of stopping, and it hangs: so only the parent listens.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    end_with(parent)

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"auditapp: {error}")
server_log.configure(app.config["LOG_FORMAT"])
have_the_worker_told(app)
if __name__ != "__main__" and os.environ.get("FLASK_RUN_FROM_CLI") != "true":
    # A server loads this, ours or another: before it answers, and not for each command.
    bring_roles_up_to_date(app)

asgi = AsgiApp(app)

# Python looks for garbage after each 700 new objects, through all that stands since the start: a batch of
# 1,000 events makes so many that it took a fifth of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

if __name__ == "__main__":
    from auditapp.serve import main

    main(app)
