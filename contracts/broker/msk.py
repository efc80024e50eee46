"""Tokens for Amazon MSK: a request to the cluster, signed with the AWS credentials of this process."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

import botocore.session
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.exceptions import BotoCoreError, ClientError

from contracts.broker.tokens import CachedTokens, Token, TokenError

_SIGN_S: Final = 20.0


class MskTokens(CachedTokens):
    """Credentials and region come from `AWS_*`, a profile or the machine's role, as everywhere."""

    async def fetch(self) -> Token:
        """Signs in a thread, as credentials may have to be fetched; the seconds that it may take are bounded.

        Raises:
            TokenError: there are no credentials, or no region.
        """
        try:
            async with asyncio.timeout(_SIGN_S):
                return await asyncio.to_thread(_sign)
        except TimeoutError as exc:
            raise TokenError(f"no AWS credentials within {_SIGN_S:g} s", is_refusal=False) from exc
        except (BotoCoreError, ClientError, ValueError) as exc:
            raise TokenError(f"MSK IAM: {exc}", is_refusal=True) from exc


def _sign() -> Token:
    session = botocore.session.Session()
    # botocore knows AWS_DEFAULT_REGION and profiles; ECS and EKS set AWS_REGION, as the other SDKs have it.
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not region:
        raise TokenError("MSK IAM needs the cluster's region; set AWS_REGION", is_refusal=True)
    if session.get_credentials() is None:  # the signer would fail with an AttributeError
        raise TokenError("MSK IAM: no AWS credentials; set AWS_ACCESS_KEY_ID, a profile or a role", is_refusal=True)
    text, expires_ms = MSKAuthTokenProvider.generate_auth_token(region)
    return Token(text, expires_ms / 1000 - time.time())
