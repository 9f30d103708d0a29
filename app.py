"""``app`` for WSGI servers and ``flask --app app``; ``python app.py`` sets up and serves."""

import sys

from auditapp import create_app
from auditapp.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"auditapp: {error}")

if __name__ == "__main__":
    from auditapp.serve import main

    main(app)
