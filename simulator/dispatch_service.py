"""livekit.AgentDispatchService: sending for agents by name."""

from livekit.protocol import agent
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    AgentDispatchState,
    CreateAgentDispatchRequest,
    DeleteAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)

from simulator.agents import Agents, Dispatch
from simulator.methods import Answer, Asker, Method
from simulator.rooms import Room, Rooms
from simulator.sip_errors import FROM_NODE
from simulator.twirp import refused


class DispatchService:
    """The methods of livekit.AgentDispatchService.  Each needs roomAdmin of the very room (``livekit.md`` 7)."""

    def __init__(self, *, rooms: Rooms, agents: Agents) -> None:
        self._rooms = rooms
        self._agents = agents

    def methods(self) -> dict[str, Method]:
        """Every method by its path under ``/twirp``."""
        service = "livekit.AgentDispatchService"
        return {
            f"{service}/CreateDispatch": Method.of(CreateAgentDispatchRequest, self.create),
            f"{service}/ListDispatch": Method.of(ListAgentDispatchRequest, self.list_all),
            f"{service}/DeleteDispatch": Method.of(DeleteAgentDispatchRequest, self.delete),
        }

    async def create(self, request: CreateAgentDispatchRequest, asker: Asker) -> Answer:
        """CreateDispatch.  Makes the room when there is none, and succeeds even if nobody will come."""
        asker.grants.need_room_admin(request.room)
        room = self._rooms.get(request.room) or self._rooms.open_named(request.room)
        return self._message(self._agents.dispatch(room, agent_name=request.agent_name, metadata=request.metadata))

    async def list_all(self, request: ListAgentDispatchRequest, asker: Asker) -> Answer:
        """ListDispatch: all of a room, or the one of an id."""
        asker.grants.need_room_admin(request.room)
        found = self._agents.dispatched(self._room(request.room))
        if request.dispatch_id:
            found = [dispatch for dispatch in found if dispatch.id == request.dispatch_id]
        return ListAgentDispatchResponse(agent_dispatches=[self._message(dispatch) for dispatch in found])

    async def delete(self, request: DeleteAgentDispatchRequest, asker: Asker) -> Answer:
        """DeleteDispatch: the agent is thrown out a little later."""
        asker.grants.need_room_admin(request.room)
        dispatch = self._agents.withdraw(self._room(request.room), request.dispatch_id)
        if dispatch is None:
            raise refused("not_found", f"{FROM_NODE}dispatch ID not found")
        return self._message(dispatch)

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            # LiveKit asks the room itself, over a topic to which nobody listens when there is no room.
            raise refused("unavailable", f"{FROM_NODE}no response from servers")
        return room

    def _message(self, dispatch: Dispatch) -> AgentDispatch:
        return AgentDispatch(
            id=dispatch.id,
            agent_name=dispatch.agent_name,
            room=dispatch.room,
            metadata=dispatch.metadata,
            state=AgentDispatchState(jobs=self._jobs(dispatch), created_at=int(dispatch.created_at * 1e9)),
        )

    def _jobs(self, dispatch: Dispatch) -> list[agent.Job]:
        """One job once a worker has it, running, whatever became of it (``agents.json``: "agent crashes at start")."""
        running = self._agents.running(dispatch)
        if running is None:
            return []
        started_at = int(running.started_at * 1e9)
        state = agent.JobState(
            status=agent.JobStatus.JS_RUNNING,
            started_at=started_at,
            updated_at=started_at,
            participant_identity=running.participant.identity,
            worker_id=self._agents.worker_id,
        )
        return [
            agent.Job(
                id=running.job_id,
                dispatch_id=dispatch.id,
                type=agent.JobType.JT_ROOM,
                room=dispatch.described,
                metadata=dispatch.metadata,
                agent_name=dispatch.agent_name,
                state=state,
            )
        ]
