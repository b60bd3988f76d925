"""The ledger over SQLAlchemy Core: tables, one writing connection, migrations, token store."""
