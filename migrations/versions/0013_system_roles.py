"""Which roles are the program's own is marked, so that they follow the program whatever they are called.

What they hold is brought up to date by the program when it starts, see ``access/system_roles.py``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Go to this version: known by their names, and a renamed Owner by holding everything."""
    op.add_column("role", sa.Column("system_name", sa.String(100)))
    op.execute(
        "UPDATE role SET system_name = name WHERE is_system AND name IN ('Owner', 'Auditor', 'Member')"
    )
    op.execute(
        "UPDATE role SET system_name = 'Owner' WHERE is_system AND system_name IS NULL"
        " AND EXISTS (SELECT 1 FROM role_permission held WHERE held.workspace_id = role.workspace_id"
        " AND held.role_id = role.id AND held.resource = '*' AND held.action = '*')"
        " AND NOT EXISTS (SELECT 1 FROM role other WHERE other.workspace_id = role.workspace_id"
        " AND other.system_name = 'Owner')"
    )


def downgrade() -> None:
    """An audit log is not taken apart; restore a backup instead."""
    raise NotImplementedError
