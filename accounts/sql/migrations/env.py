"""What Alembic runs: the migrations on the connection that `upgrade.py` gives, in the transaction that it opened."""

from alembic import context

from accounts.sql.tables import REVISIONS, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REVISIONS,
    # SQLite's tables can be changed within a transaction; Alembic does not rely on it by itself
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
