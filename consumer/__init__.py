"""The service: takes requests from Kafka, transcribes media from S3, writes results and events."""
