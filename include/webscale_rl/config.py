"""What decides the outcome of a conversion, and the hash that names it."""

from functools import cached_property
from typing import Any

from pydantic import Field

from webscale_rl.ids import content_id
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.measure import TokenMeasure
from webscale_rl.records import Domain, Record, TaskForm
from webscale_rl.stages.assess import ASSESS
from webscale_rl.stages.check import BLIND, CLOSED, JUDGE, MATCH, OPTIONS, SOLVE, CheckDepth
from webscale_rl.stages.demonstrations import guides_version
from webscale_rl.stages.generate import generate_stage
from webscale_rl.stages.repair import repair_stage

GUIDES = "guides"  # card and demonstrations of a domain, among the versions of prompts
ROAD_VERSION = 4  # raised when the rules between the calls (gate, matching, order of checks) change outcomes


class ModelName(Record):
    """A model as the ledger knows it."""

    model: str
    revision: str = ""
    extra_body: dict[str, Any] = Field(default_factory=dict)  # sent with every request

    @classmethod
    def of(cls, endpoint: Endpoint) -> "ModelName":
        """Return the name of the model that an endpoint serves."""
        return cls(model=endpoint.model, revision=endpoint.revision, extra_body=dict(endpoint.extra_body))


def prompt_versions() -> dict[str, str]:
    """Return the version of every prompt, and of the card and demonstrations of every domain."""
    any_forms = (Domain.OTHER, (TaskForm.RECALL,))
    written = (generate_stage(*any_forms), repair_stage(*any_forms))
    stages = {
        stage.name: stage.version for stage in (ASSESS, *written, SOLVE, MATCH, BLIND, OPTIONS, CLOSED, JUDGE)
    }
    return stages | {f"{GUIDES}:{domain.value}": guides_version(domain) for domain in Domain}


class ConversionConfig(Record):
    """Everything that decides the outcome for a document. Equal configurations have equal hashes."""

    generator: ModelName
    checker: ModelName
    second_solver: ModelName | None = None
    check_depth: CheckDepth = "lean"
    items_per_document: int = Field(default=3, ge=1, le=3)
    min_tokens: int = Field(default=50, ge=0)  # the paper's floor
    max_tokens: int = Field(default=500_000, ge=100)  # a longer document is a dump
    part_tokens: int = Field(default=6_000, ge=200)  # of the served model; a longer document is split
    tokens: TokenMeasure = TokenMeasure()
    repair: bool = True
    prompt_versions: dict[str, str] = Field(default_factory=prompt_versions)
    road_version: int = ROAD_VERSION

    @cached_property
    def hash(self) -> str:
        """The configuration hash that data sets carry."""
        return content_id(self.model_dump(mode="json"))

    def prompts_of(self, domain: Domain) -> dict[str, str]:
        """Return the versions of the prompts that an item of a document of ``domain`` meets."""
        return {
            name.split(":")[0]: version
            for name, version in self.prompt_versions.items()
            if ":" not in name or name == f"{GUIDES}:{domain.value}"
        }
