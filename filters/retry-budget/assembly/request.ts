import { HeadersAction, HttpContext } from "@sluice/sdk/assembly";
import { Budgets } from "./budgets";
import { DENIED, isReservation, MARK, Reservation, readDecision } from "./decision";

/** The downstream half: the request with all of its attempts. It leaves nothing behind of what the other half needed. */
export class Request extends HttpContext {
  private decision: string | null = null;
  private isResponding: bool = false;

  constructor(private budgets: Budgets) {
    super();
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.isResponding = true;
    this.decision = readDecision(this.filterState); // the last one: the router tries no more
    if (this.decision == DENIED) this.responseHeaders.remove(MARK);
    return HeadersAction.Continue;
  }

  onLog(): void {
    const decision = this.isResponding ? this.decision : readDecision(this.filterState);
    if (decision == null || !isReservation(decision)) return;
    const reservation = new Reservation(decision);
    this.budgets.giveBack(reservation.slot, reservation.timeNs);
  }
}
