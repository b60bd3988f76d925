"""What a validation found, for people and programs: a page, JSON and CSV."""
