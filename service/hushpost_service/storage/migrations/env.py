"""Alembic's entry point: runs the migrations on the connection that `migration` passes."""

from alembic import context

# `migration` has begun the transaction of all migrations.
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
