"""Makes the buckets that steno's settings name by default. LocalStack runs it once it answers."""

from __future__ import annotations

import os

import boto3

store = boto3.client(
    "s3", endpoint_url="http://localhost:4566", region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
)  # fmt: skip
for bucket in os.environ["STENO_BUCKETS"].split():
    try:
        store.create_bucket(Bucket=bucket)  # no error in us-east-1 where it is there and ours
    except Exception as exc:
        raise RuntimeError(f"bucket {bucket}: {exc}") from exc  # LocalStack logs this text and no more
