"""A sample of how a store tells of uploads, off unless STENO_NOTIFICATIONS names a prefix of `media`, such as `inbox/`.

LocalStack cannot publish to Kafka, so it does what AWS does: each new object under the prefix becomes a message in the
queue `uploads`. `localstack/relay.py` brings them to the requests topic, where every object is a job of its own.
"""

from __future__ import annotations

import os

import boto3

PREFIX = os.environ.get("STENO_NOTIFICATIONS", "")
QUEUE = "uploads"
WHERE = {
    "endpoint_url": "http://localhost:4566", "region_name": "us-east-1",
    "aws_access_key_id": "test", "aws_secret_access_key": "test",
}  # fmt: skip

if PREFIX:
    queues = boto3.client("sqs", **WHERE)
    url = queues.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = {
        "QueueArn": arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": PREFIX}]}},
    }
    boto3.client("s3", **WHERE).put_bucket_notification_configuration(
        Bucket="media", NotificationConfiguration={"QueueConfigurations": [rule]}
    )
