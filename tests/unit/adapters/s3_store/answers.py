"""What a store answers when it refuses, as the client raises it."""

from __future__ import annotations

from botocore.exceptions import ClientError


def make_answer(
    code: str, status: int, *, operation: str = "GetObject", message: str = "m", content_type: str = "application/xml"
) -> ClientError:
    """An answer as botocore has read it."""
    metadata = {
        "HTTPStatusCode": status, "HTTPHeaders": {"content-type": content_type}, "HostId": "", "RequestId": "",
        "RetryAttempts": 0,
    }  # fmt: skip
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)  # type: ignore[typeddict-item]  # a dict of another type
