// The book of errors as the control socket shows it.
import type { Book, Incident } from '../incidents/book.js';
import type { IncidentReply } from './protocol.js';
import type { Incidents } from './sources.js';

export const incidentsOf = (book: Book): Incidents => ({
  list: () => book.incidents.map(brief),
  show: (id) => {
    const incident = book.incidents.find((one) => one.id === id);
    return incident && { ...brief(incident), first: incident.first, last: incident.last };
  },
  resolve: (id) => book.incidents.some((one) => one.id === id),
});

const brief = ({ id, count, firstSeen, lastSeen, last }: Incident): IncidentReply => ({
  id,
  name: last.name,
  message: last.message.slice(0, 500),
  count,
  firstSeen: firstSeen.toISOString(),
  lastSeen: lastSeen.toISOString(),
});
