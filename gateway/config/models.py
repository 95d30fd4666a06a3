"""The models of a site: those of `model.py` joined with the settings of every kind in the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationInfo, create_model

from gateway.config.catalogue import Catalogue
from gateway.config.model import Gateway, Partner, Receives, Sends
from gateway.message import DocumentKind

FILE = "file"
"""The format whose documents are handed on as they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What gateway.toml and partner files are checked against; `endpoint` is the type of one endpoint."""

    gateway: type[Gateway]
    partner: type[Partner]
    endpoint: Any
    catalogue: Catalogue


def models(catalogue: Catalogue) -> Models:
    """Join the models with the kinds of the catalogue; unions are told apart by `kind`."""
    endpoint: Any = _one_of(facts.settings for facts in catalogue.endpoints.values())
    enrichment: Any = _one_of(catalogue.enrichments.values())
    rule: Any = Annotated[_one_of(catalogue.rules.values()), BeforeValidator(_with_kind)]
    options = Annotated[Mapping[str, Any], AfterValidator(_typed_options(catalogue))]
    sends: Any = create_model(
        "Sends", __base__=Sends, __doc__=Sends.__doc__, options=(options, Sends.model_fields["options"])
    )
    receives: Any = create_model(
        "Receives",
        __base__=Receives,
        __doc__=Receives.__doc__,
        options=(options, Receives.model_fields["options"]),
        enrichment=(_items(enrichment), Receives.model_fields["enrichment"]),
        rules=(_items(rule), Receives.model_fields["rules"]),
    )
    partner: Any = create_model(
        "Partner",
        __base__=Partner,
        __doc__=Partner.__doc__,
        endpoints=(_by_name(endpoint), Partner.model_fields["endpoints"]),
        sends=(_items(sends), Partner.model_fields["sends"]),
        receives=(_by_kind(receives), Partner.model_fields["receives"]),
    )
    return Models(gateway=Gateway, partner=partner, endpoint=endpoint, catalogue=catalogue)


def _one_of(kinds: Iterable[type[BaseModel]]) -> Any:
    members = tuple(kinds)
    if not members:
        return Annotated[Any, BeforeValidator(_no_kind)]
    if len(members) == 1:
        return members[0]
    return Annotated[reduce(or_, members), Field(discriminator="kind")]


def kind_in(data: Mapping[str, Any]) -> Any:
    """The kind an entry is of, as it is written; one that says `use` is of the kind `use`."""
    return data.get("kind", "use" if "use" in data else None)


def _with_kind(data: Any) -> Any:
    return {"kind": "use", **data} if isinstance(data, Mapping) and kind_in(data) == "use" else data


def _items(of: Any) -> Any:
    return tuple[of, ...]


def _by_name(of: Any) -> Any:
    return Mapping[str, of]


def _by_kind(of: Any) -> Any:
    return Mapping[DocumentKind, of]


def _no_kind(_: Any) -> Any:
    raise ValueError("there is no kind of this here")


def _typed_options(catalogue: Catalogue) -> Any:
    def typed(value: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        """The options with the types their format gives them; what was not written stays away."""
        facts = catalogue.formats.get(info.data.get("format", ""))
        if facts is None:  # told by the check of references
            return value
        options = facts.options.model_validate(value, context=info.context)
        return {name: getattr(options, name) for name in options.model_fields_set}

    return typed


def kinds_of(annotation: Any) -> Mapping[str, type[BaseModel]]:
    """The members of a union told apart by `kind`, or one such model, by kind; empty for any other type."""
    annotation = unwrapped(annotation)
    members = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return {
        kind: member
        for member in members
        if isinstance(member, type) and issubclass(member, BaseModel) and "kind" in member.model_fields
        for kind in get_args(member.model_fields["kind"].annotation)
    }


def step_into(annotation: Any, step: str | int, data: Any, catalogue: Catalogue) -> Any:
    """The type of what lies under `step` in a value of the type `annotation`; `data` is what was written there."""
    annotation = unwrapped(annotation)
    kinds = kinds_of(annotation)
    if len(kinds) > 1 and isinstance(data, Mapping):
        annotation = kinds.get(str(kind_in(data)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if step == "options" and isinstance(data, Mapping) and "format" in annotation.model_fields:
            facts = catalogue.formats.get(str(data.get("format")))
            return facts.options if facts else None
        for name, each in annotation.model_fields.items():
            if step in {name, each.alias}:
                return each.annotation
        return None
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return arguments[0] if origin is tuple else arguments[1]
    return None


def unwrapped(annotation: Any) -> Any:
    """A type without `Annotated` and without `| None`."""
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation = arguments[0]
        elif type(None) in arguments:
            rest = [each for each in arguments if each is not type(None)]
            annotation = reduce(or_, rest)
        else:
            return annotation


def keys_of(annotation: Any, data: Any) -> tuple[str, ...]:
    """The keys a mapping of this type may have, as they are written in a file."""
    annotation = unwrapped(annotation)
    kinds = kinds_of(annotation)
    if len(kinds) > 1 and isinstance(data, Mapping):
        annotation = kinds.get(str(kind_in(data)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return tuple(each.alias or name for name, each in annotation.model_fields.items())
    return ()


def allowed(annotation: Any) -> tuple[str, ...]:
    """The values of a `Literal`."""
    annotation = unwrapped(annotation)
    return tuple(str(each) for each in get_args(annotation)) if get_origin(annotation) is Literal else ()
