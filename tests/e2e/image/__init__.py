"""The image in a container engine, against broker and store in containers beside it."""
