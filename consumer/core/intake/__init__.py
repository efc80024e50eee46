"""From the bytes of a record to the requests in it, in one place for every envelope."""
