"""All parameters of the filter, in the order in which they are described; a new one has a line here."""

from auditapp.filters.actor import Actor
from auditapp.filters.changes import Field, From, To
from auditapp.filters.choices import ActorType, Origin, Outcome
from auditapp.filters.claimed_by import ClaimedBy
from auditapp.filters.correlation import Correlation
from auditapp.filters.entity import Entity
from auditapp.filters.event import EventName
from auditapp.filters.ip import Ip
from auditapp.filters.on_behalf_of import OnBehalfOf
from auditapp.filters.paging import After, Before, Group, Limit
from auditapp.filters.parameter import Narrowing, Parameter
from auditapp.filters.record import Record
from auditapp.filters.search import Search
from auditapp.filters.times import Since, Until

PARAMETERS: tuple[Parameter, ...] = (
    Entity(),
    Record(),
    EventName(),
    Field(),
    From(),
    To(),
    Actor(),
    ActorType(),
    Origin(),
    Outcome(),
    Ip(),
    ClaimedBy(),
    OnBehalfOf(),
    Correlation(),
    Search(),
    Since(),
    Until(),
    Before(),
    After(),
    Group(),
    Limit(),
)
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
NARROWING = tuple(parameter for parameter in PARAMETERS if isinstance(parameter, Narrowing))
