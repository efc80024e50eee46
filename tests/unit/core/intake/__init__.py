"""From the bytes of a record to the requests in it."""
