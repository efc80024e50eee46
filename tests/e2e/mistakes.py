"""Mistakes of who starts a worker: what is set wrongly, how the worker ends and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from consumer.core.failures import ExitCode

_SASL: Final = {
    "STENO_KAFKA__SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "STENO_KAFKA__SASL_MECHANISM": "PLAIN",
    "STENO_KAFKA__SASL_USERNAME": "me",
    "STENO_KAFKA__SASL_PASSWORD": "secret",
}
_NO_CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere",
}  # fmt: skip


@dataclass(frozen=True)
class Mistake:
    """One mistake."""

    name: str
    code: ExitCode
    says: tuple[str, ...]
    """A regular expression for the beginning of each line, without `steno: `."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Filled in are `{prefix}` (the deployment's), `{nobody}` (where nobody listens), `{store}` (a store without TLS),
    `{refusing}` (one that refuses with the code that follows) and `{taken}` (a port where somebody listens)."""
    dotenv: str = ""


MISTAKES: Final = (
    Mistake(
        "a bucket that is not there", ExitCode.UNAVAILABLE,
        ("bucket '.*-absent' does not exist; create it or change STENO_S3__",),
        {"STENO_S3__RESULTS": "s3://{prefix}-absent/"},
    ),
    Mistake(
        "a wrong access key", ExitCode.REFUSED,
        ("the object store does not know us: .*InvalidAccessKeyId.*; set AWS_ACCESS_KEY_ID and",),
        {"AWS_ENDPOINT_URL_S3": "http://{refusing}/InvalidAccessKeyId"},
    ),
    Mistake(
        "a wrong secret key", ExitCode.REFUSED,
        ("the object store does not know us: .*SignatureDoesNotMatch.*; set AWS_ACCESS_KEY_ID and",),
        {"AWS_ENDPOINT_URL_S3": "http://{refusing}/SignatureDoesNotMatch"},
    ),
    Mistake(
        "no credentials", ExitCode.REFUSED,
        ("the object store does not know us: .*Unable to locate credentials.*; set AWS_ACCESS_KEY_ID",),
        _NO_CREDENTIALS,
    ),
    Mistake(
        "a store that is not there", ExitCode.UNAVAILABLE, (".*does not answer.*; check AWS_ENDPOINT_URL_S3",),
        {"AWS_ENDPOINT_URL_S3": "http://{nobody}"},
    ),
    Mistake(
        "TLS to a store without", ExitCode.UNAVAILABLE, (".*; check .*AWS_ENDPOINT_URL_S3",),
        {"AWS_ENDPOINT_URL_S3": "https://{store}"},
    ),
    Mistake(
        "a store's address without a scheme", ExitCode.BAD_SETTINGS, ("the AWS settings do not fit: ",),
        {"AWS_ENDPOINT_URL_S3": "{store}"},
    ),
    Mistake(
        "an unknown model", ExitCode.MODEL_UNAVAILABLE,
        ("no weights for model 'bsae': no repository of the hub is known for it. What to do: choose a name",),
        {"STENO_ENGINE__MODEL": "bsae"},
    ),
    Mistake(
        "a model that may not be fetched", ExitCode.MODEL_UNAVAILABLE,
        (r"no weights for model 'small': the hub was not asked \(STENO_MODELS__OFFLINE\). What to do: ",),
        {"STENO_ENGINE__MODEL": "small", "STENO_MODELS__OFFLINE": "true", "STENO_MODELS__DIR": "absent"},
    ),
    Mistake(
        "no topics", ExitCode.TOPICS_MISSING, ("missing on .*absent, .*; make them with `steno topics init`",),
        {"STENO_TOPICS__REQUESTS": "{prefix}.absent"},
    ),
    Mistake(
        "a broker that is not there", ExitCode.UNAVAILABLE,
        ("no Kafka broker answers at .*: nobody listens there; check STENO_KAFKA__BOOTSTRAP_SERVERS",),
        {"STENO_KAFKA__BOOTSTRAP_SERVERS": "{nobody}"},
    ),
    Mistake(
        "a broker without a name", ExitCode.UNAVAILABLE,
        ("no Kafka broker answers at .*: the name no-such-host.invalid cannot be resolved; check STENO_KAFKA__",),
        {"STENO_KAFKA__BOOTSTRAP_SERVERS": "no-such-host.invalid:9092"},
    ),
    Mistake(
        "a broker's address with a scheme", ExitCode.BAD_SETTINGS,
        ("STENO_KAFKA__BOOTSTRAP_SERVERS: 'http://localhost:9092' is no host:port; write broker:9092",),
        {"STENO_KAFKA__BOOTSTRAP_SERVERS": "http://localhost:9092"},
    ),
    Mistake(
        "SASL to a port without", ExitCode.BAD_SETTINGS,
        (r"no way in at .*: this port speaks no SASL \(PLAINTEXT would fit\); check STENO_KAFKA__SECURITY_PROTOCOL",),
        _SASL,
    ),
    Mistake(
        "TLS to a broker without", ExitCode.BAD_SETTINGS,
        ("no way in at .*: this port speaks no TLS and SSL does .*; check STENO_KAFKA__SECURITY_PROTOCOL",),
        {"STENO_KAFKA__SECURITY_PROTOCOL": "SSL"},
    ),
    Mistake(
        "several faults at once", ExitCode.BAD_SETTINGS,
        (
            "STENO_ENGINE__MODLE is not a setting; did you mean STENO_ENGINE__MODEL",
            "STENO_LEASE__TTL_S: write a number",
            "STENO_ENGINE__SLOTS: input should be greater than or equal to 0",
        ),
        {"STENO_LEASE__TTL_S": "fifteen", "STENO_ENGINE__SLOTS": "-1", "STENO_ENGINE__MODLE": "base"},
    ),
    Mistake(
        "results where none may be written", ExitCode.BAD_SETTINGS,
        (r"STENO_S3__RESULTS \(.*\) lies outside of STENO_S3__ALLOWED_OUTPUTS, .*; add it there",),
        {"STENO_S3__ALLOWED_OUTPUTS": "s3://other/"},
    ),
    Mistake(
        "a compute type that nobody knows", ExitCode.BAD_SETTINGS,
        ("STENO_ENGINE__COMPUTE_TYPE: input should be 'auto', ",), {"STENO_ENGINE__COMPUTE_TYPE": "int9"},
    ),
    Mistake(
        "a GPU that is not here", ExitCode.DEVICE_MISSING,
        ("device 'cuda:97' was asked for, and .*: set STENO_ENGINE__DEVICE to auto or cpu, or give this process",),
        {"STENO_ENGINE__DEVICE": "cuda:97"},
    ),
    Mistake(
        "no scratch folder", ExitCode.SCRATCH_UNUSABLE,
        (r"no file can be put in /nowhere \(STENO_SCRATCH__DIR\): .*; there is no such folder: make it, or name",),
        {"STENO_SCRATCH__DIR": "/nowhere"},
    ),
    Mistake(
        "a health port that is taken", ExitCode.BAD_SETTINGS,
        (r"cannot listen on 127.0.0.1:\d+ \(Address already in use\); set STENO_HEALTH__PORT to a free port",),
        {"STENO_HEALTH__PORT": "{taken}"},
    ),
    Mistake(
        "a line of .env that sets nothing", ExitCode.BAD_SETTINGS,
        ("line 1 of .env is not NAME=value; correct it, or put '#' before it",), dotenv="STENO_ENGINE__SLOTS: 1\n",
    ),
)  # fmt: skip
