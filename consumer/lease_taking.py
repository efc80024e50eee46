"""Who gets a job: its lease is made, or taken over once it was released or has lapsed."""

from __future__ import annotations

import uuid
from typing import Final

from consumer.core.leases import (
    LEASE_TYPE,
    Deliveries,
    Held,
    LeaseDocument,
    is_live,
    judge_lease,
    read_lease,
)
from consumer.core.locations import state_uri
from consumer.core.sightings import Sightings
from consumer.lease import Clocks, Lease, LeaseConfig, Written
from consumer.ports import Store, StoredObject
from contracts.state import LEASE_NAME

_TRIES: Final = 3
"""How often a lease is tried for that others take or release at the same moment."""


class LeaseTaker:
    """Takes leases, one try at a time; any number may be under way at once."""

    def __init__(self, store: Store, patient_store: Store, *, config: LeaseConfig, clocks: Clocks) -> None:
        """Borrows both stores: leases are taken with the patient one, and get the other one for their own use."""
        self._store = store
        self._patient_store = patient_store
        self._config = config
        self._clocks = clocks
        self._sightings = Sightings()

    async def take(self, tenant: str | None, job_id: str) -> Lease | Held:
        """Takes the job if nobody works on it. Cancelled, it may have got it all the same.

        Raises:
            JobError: the store's own.
        """
        uri = self._uri(tenant, job_id)
        token = uuid.uuid4().hex
        at = self._clocks.monotonic()
        document = self._document(token, Deliveries())
        etag = await self._patient_store.create(uri, _encode(document), LEASE_TYPE)
        if etag is not None:
            return self._lease(uri, Written(document, etag, at), is_first=True)
        for _ in range(_TRIES):
            found = await self._patient_store.read(uri)
            taken = None if found is None else await self._take_over(uri, found, token, at)
            if taken is not None:
                return taken
        return Held(None, self._config.terms.renew_s)

    async def find(self, tenant: str | None, job_id: str) -> LeaseDocument | None:
        """The lease of whoever works on a job; None when nobody does. Takes nothing.

        Raises:
            JobError: the store's own.
        """
        uri = self._uri(tenant, job_id)
        found = await self._patient_store.read(uri)
        held = None if found is None else read_lease(found.body)
        if found is None or held is None or not is_live(held, self._age_s(uri, found, self._clocks.monotonic())):
            return None
        return held

    async def _take_over(self, uri: str, found: StoredObject, token: str, since: float) -> Lease | Held | None:
        """None when another was faster."""
        held = read_lease(found.body)
        if held is not None and held.token == token:  # the answer to our own write was lost
            return self._lease(uri, Written(held, found.etag, since))
        at = self._clocks.monotonic()
        verdict = judge_lease(found.body, self._age_s(uri, found, at), self._config.terms)
        if isinstance(verdict, Held):
            return verdict
        document = self._document(token, verdict.before)
        etag = await self._patient_store.replace(uri, _encode(document), LEASE_TYPE, etag=found.etag)
        if etag is None:
            return None
        return self._lease(uri, Written(document, etag, at))

    def _uri(self, tenant: str | None, job_id: str) -> str:
        return state_uri(self._config.state_prefix, tenant, job_id, LEASE_NAME)

    def _age_s(self, uri: str, found: StoredObject, now: float) -> float:
        # Seen unchanged for so long, it is as old at least, whatever the store's clock says.
        return max(self._sightings.age_s(uri, found.etag, now), found.age_s or 0.0)

    def _document(self, token: str, before: Deliveries) -> LeaseDocument:
        return LeaseDocument(
            worker=self._config.worker,
            token=token,
            deliveries=before.count + 1,
            lost_workers=before.lost_workers,
            ttl_s=self._config.terms.ttl_s,
            taken_at=self._clocks.now(),
        )

    def _lease(self, uri: str, written: Written, *, is_first: bool = False) -> Lease:
        self._sightings.forget(uri)
        return Lease(
            self._store,
            uri,
            written,
            terms=self._config.terms,
            monotonic=self._clocks.monotonic,
            is_first=is_first,
        )


def _encode(document: LeaseDocument) -> bytes:
    return document.model_dump_json().encode()
