"""Which version of an object is transcribed: the one that the request names."""

from __future__ import annotations

from contracts.errors import ErrorCode
from contracts.transcript import Transcript
from tests import speech
from tests.e2e.fleet import Deployment, data_of


async def test_the_version_asked_for_is_the_one_transcribed(deployment: Deployment) -> None:
    async with deployment.objects() as client:
        enabled = {"Status": "Enabled"}
        await client.put_bucket_versioning(Bucket=deployment.prefix, VersioningConfiguration=enabled)
        versions = [
            (await client.put_object(Bucket=deployment.prefix, Key="call.wav", Body=body))["VersionId"]
            for body in (speech.ENGLISH.path.read_bytes(), speech.SHORT.path.read_bytes())
        ]
    await deployment.start_worker(STENO_ENGINE__KIND="fake")
    uri = f"s3://{deployment.prefix}/call.wav"
    alone = await deployment.upload(speech.ENGLISH.path)
    await deployment.publish(
        {"job_id": "old", "input": {"uri": uri, "version_id": versions[0]}},
        {"job_id": "new", "input": {"uri": uri}},
        {"job_id": "alone", "input": {"uri": alone}},
        {"job_id": "none", "input": {"uri": uri, "version_id": "no-such-version"}},
    )
    outcomes = {data_of(event).job_id: data_of(event) for event in await deployment.outcomes(4)}

    old, new, same = [await _transcript(deployment, job_id) for job_id in ("old", "new", "alone")]
    assert [each.input.version_id for each in (old, new)] == versions
    assert old.text == same.text != new.text
    error = outcomes["none"].error
    assert error is not None
    assert error.code in {ErrorCode.REQUEST_INVALID, ErrorCode.INPUT_NOT_FOUND}


async def _transcript(deployment: Deployment, job_id: str) -> Transcript:
    return Transcript.model_validate_json((await deployment.files(job_id))["transcript.json"])
