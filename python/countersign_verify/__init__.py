"""Verifies Countersign records and packets offline, with the standard library alone."""
