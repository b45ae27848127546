"""A small client of Airflow's public REST API (v2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from webscale_rl.errors import WebscaleError

TIMEOUT_SECONDS = 30.0


class Unreachable(WebscaleError):
    """The API server did not answer; it may be starting, or gone."""


class Refused(WebscaleError):
    """The API server refused a request."""


class Airflow:
    """An API server, asked as its user. The token lasts a day, so it is renewed when it is refused."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._credentials = {"username": user, "password": password}
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def is_healthy(self) -> bool:
        """Say whether the API for tasks answers and database, scheduler and DAG processor are alive.

        The API for tasks is put together on its first request, for seconds: the first task need not wait for it.
        """
        if not self._send("GET", "/execution/health").is_success:
            return False
        answer = self._send("GET", "/api/v2/monitor/health")
        health = answer.json() if answer.is_success else {}
        return all(
            health.get(part, {}).get("status") == "healthy"
            for part in ("metadatabase", "scheduler", "dag_processor")
        )

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool, or change it to these slots."""
        self._upsert("pools", {"name": name, "slots": slots, "description": description})

    def set_connection(self, connection_id: str, fields: Mapping[str, Any]) -> None:
        """Create a connection, or replace these fields of it."""
        self._upsert("connections", {"connection_id": connection_id, **fields})

    def parsed_at(self, dag_id: str) -> datetime | None:
        """Return when the DAG was last parsed, None as long as it is unknown."""
        answer = self._request("GET", f"dags/{dag_id}", accept=httpx.codes.NOT_FOUND)
        parsed = answer and answer["last_parsed_time"]
        return datetime.fromisoformat(parsed) if parsed else None

    def import_errors(self, since: datetime) -> list[str]:
        """Return what has kept DAG files from being imported since then: file and last line of each error."""
        errors = self._request("GET", "importErrors")["import_errors"]
        return [
            f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}"
            for error in errors
            if datetime.fromisoformat(error["timestamp"]) >= since
        ]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler take up runs of a DAG."""
        self._request("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Start a run; safe to repeat."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        self._request("POST", f"dags/{dag_id}/dagRuns", body, accept=httpx.codes.CONFLICT)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return ``queued``, ``running``, ``success`` or ``failed``."""
        return str(self._request("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def failures(self, dag_id: str, run_id: str) -> list[str]:
        """Return, for every task that failed by itself, its name and the message of its last error."""
        run = f"dags/{dag_id}/dagRuns/{run_id}"
        tasks = self._request("GET", f"{run}/taskInstances", query={"state": "failed", "limit": 100})
        failures = []
        for task in sorted(tasks["task_instances"], key=lambda task: task["end_date"] or ""):
            log = f"{run}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
            lines = self._request(
                "GET",
                log,
                query={"map_index": task["map_index"], "full_content": True},
                accept=httpx.codes.NOT_FOUND,
            )
            name = task["task_id"] + (f"[{task['map_index']}]" if task["map_index"] >= 0 else "")
            failures.append(f"{name}: {_last_error(lines['content'] if lines else [])}")
        return failures

    def _upsert(self, kind: str, entity: Mapping[str, Any]) -> None:
        action = {"action": "create", "action_on_existence": "overwrite", "entities": [dict(entity)]}
        result = self._request("PATCH", kind, {"actions": [action]})["create"]
        if result["errors"]:
            raise Refused(f"Airflow refuses to set up {kind}: {result['errors'][0].get('error')}")

    def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        accept: int | None = None,
    ) -> Any:
        """Send a request; return the answer's JSON, None for the status that is accepted as an answer, too.

        Raises:
            Refused: any other status that says no.
            Unreachable: there was no answer.
        """
        if "authorization" not in self._http.headers:
            self._log_in()
        answer = self._send(method, f"/api/v2/{path}", json=body, params=query)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._log_in()
            answer = self._send(method, f"/api/v2/{path}", json=body, params=query)
        if answer.status_code == accept:
            return None
        if not answer.is_success:
            raise Refused(f"Airflow answered {answer.status_code} to {method} {path}: {_detail(answer)}")
        return answer.json()

    def _log_in(self) -> None:
        self._http.headers.pop("authorization", None)
        answer = self._send("POST", "/auth/token", json=self._credentials)
        if not answer.is_success:
            raise Refused(f"Airflow refuses the log-in ({answer.status_code}): {_detail(answer)}")
        self._http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise Unreachable(f"no answer from Airflow's API: {type(error).__name__}") from error


def _detail(answer: httpx.Response) -> str:
    """Return what the server says is wrong; never the request, which may hold a key."""
    try:
        detail = answer.json().get("detail")
    except (ValueError, AttributeError):
        detail = None
    if isinstance(detail, list):  # of a body that does not validate: the values are in it, too
        return "; ".join(f"{'.'.join(map(str, item.get('loc', [])))}: {item.get('msg')}" for item in detail)
    return str(detail)[:300] if detail else "no reason given"


def _last_error(lines: Sequence[str | Mapping[str, Any]]) -> str:
    """Return the message of the last exception in a task's log."""
    for line in reversed(lines):
        if isinstance(line, str):
            continue
        if details := line.get("error_detail"):
            return str(details[0].get("exc_value") or details[0].get("exc_type"))
        if line.get("level") in ("error", "critical"):
            return str(line.get("event"))
    return "it wrote no error: see its log in WORK"
