"""From rows in the database to files that a trainer reads."""
