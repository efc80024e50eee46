"""A sample relay: brings S3 notifications from an SQS queue to the requests topic, as they are, until it is ended.

    STENO_NOTIFICATIONS=inbox/ docker compose up --detach
    set -a; . localstack/host.env; set +a
    python localstack/relay.py

A message leaves the queue once the broker has confirmed it. One that is relayed twice is one job all the same.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import aioboto3
from aiokafka import AIOKafkaProducer

_QUEUE: Final = "uploads"
_BATCH: Final = 10
_WAIT_S: Final = 20


async def main() -> None:
    """Never returns."""
    topic = os.environ.get("STENO_TOPICS__REQUESTS", "transcription.requests")
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["STENO_KAFKA__BOOTSTRAP_SERVERS"], enable_idempotence=True)
    async with aioboto3.Session().client("sqs") as queues, producer:
        url = (await queues.get_queue_url(QueueName=_QUEUE))["QueueUrl"]
        print(f"from {url} to {topic}", file=sys.stderr)
        while True:
            answer = await queues.receive_message(QueueUrl=url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=_WAIT_S)
            for message in answer.get("Messages", []):
                await producer.send_and_wait(topic, message["Body"].encode())
                await queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    asyncio.run(main())
