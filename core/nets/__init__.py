"""Networks without policy: loading and running weights."""
