// Whether what became of a request is what its client was promised. Everything that is not is a loss, with its reason.

const verdicts = {
  /** Answered 200, whole, and to whom it was meant for. */
  ok: ({ became, response, why }, id) => {
    if (became !== 'answered') return why;
    if (response.status !== 200) return `status ${response.status}`;
    return response.headers.get('x-echo') === id ? undefined : `crossed: got ${response.headers.get('x-echo')}`;
  },
  /** Answered 500, whole. */
  500: ({ became, response, why }, id) => {
    if (became !== 'answered') return why;
    if (response.status !== 500) return `status ${response.status} and not 500`;
    const name = response.headers.get('x-request-id');
    return name === undefined || name === id ? undefined : `crossed: got ${name}`;
  },
  /** Cut so that nobody can take it for whole. */
  broken: ({ became, response, clean, framing, why }) => {
    if (became === 'answered')
      return response.status === 200 ? 'a half answer, ended as if whole' : `status ${response.status}`;
    if (became === 'lost') return why;
    return clean && framing === 'untilClose' ? 'a half answer, ended as if whole' : undefined;
  },
};
/** The answer is out before anything fails. */
verdicts.root = verdicts.ok;

/** The reason why this counts as lost, or nothing. */
export const lossOf = (expected, outcome, id) => verdicts[expected](outcome, id);
