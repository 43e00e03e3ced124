"""The registry's database: tables, migrations, reading, writing and history."""
