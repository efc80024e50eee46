"""Tokens for Amazon MSK: a request to the cluster, signed with the AWS credentials of this process."""

from __future__ import annotations

import asyncio
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
            return await asyncio.wait_for(asyncio.to_thread(_sign), _SIGN_S)
        except TimeoutError as exc:
            raise TokenError(f"no AWS credentials within {_SIGN_S:g} s", is_refusal=False) from exc
        except (BotoCoreError, ClientError, ValueError) as exc:
            raise TokenError(f"MSK IAM: {exc}", is_refusal=True) from exc


def _sign() -> Token:
    region = botocore.session.Session().get_config_variable("region")
    if not region:
        raise TokenError("MSK IAM needs the cluster's region; set AWS_REGION", is_refusal=True)
    text, expires_ms = MSKAuthTokenProvider.generate_auth_token(region)
    return Token(text, expires_ms / 1000 - time.time())
