"""Lets pages of any origin upload by presigned URLs, and read results by such."""

from __future__ import annotations

import os

import boto3

READING = ["GET", "HEAD"]
WRITING = ["PUT", "POST"]
RULE = {
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    # What an upload in parts has to read: the tag of each.
    "ExposeHeaders": ["ETag", "x-amz-version-id"],
    "MaxAgeSeconds": 3000,
}

store = boto3.client(
    "s3", endpoint_url="http://localhost:4566", region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
)  # fmt: skip
for bucket in os.environ["STENO_BUCKETS"].split():
    methods = READING if bucket == "transcripts" else READING + WRITING
    store.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE | {"AllowedMethods": methods}]})
