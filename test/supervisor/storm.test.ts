import test from 'ava';
import { narrateStorm } from '../../supervisor/narrate-storm.js';
import { CALM, erred, passed, type StormNews, type Weather } from '../../supervisor/storm.js';
import { policy, type Story, serving } from '../support/story.js';

/** Errors that the fleet of a story meets, and what is said of them. */
class Sky {
  readonly #story: Story;
  readonly said: string[] = [];
  weather: Weather = CALM;

  constructor(story: Story) {
    this.#story = story;
  }

  errors(count: number): this {
    return this.#told(erred(this.weather, count, this.#story.fleet, this.#story.host.now(), policy));
  }

  wait(ms: number, replaced = 0): this {
    this.#story.wait(ms);
    return this.#told(passed(this.weather, replaced, this.#story.fleet, this.#story.host.now()));
  }

  #told({ weather, news }: { weather: Weather; news: StormNews | undefined }): this {
    this.weather = weather;
    if (news) this.said.push(narrateStorm(news).text);
    return this;
  }
}

/** Two workers, both faulty, and no restart left for a while. */
function exhausted(): Story {
  const story = serving(2);
  for (let id = 1; id <= 10; id++)
    story
      .faulted(id)
      .ready(id + 2)
      .left(id);
  return story.faulted(11, 12);
}

test('a storm is told once, with its figures and what becomes of it', (t) => {
  const sky = new Sky(exhausted());
  for (let tenth = 0; tenth < 600; tenth++) sky.errors(250).wait(100);
  t.deepEqual(sky.said, [
    'error storm: 250 errors a second that nobody caught, and as many restarts as may be (10 restarts in 60 s): 2 workers are faulty and serve on, each error contained and counted in the book. The next is replaced in 60 s',
  ]);
  t.is(sky.weather.seconds.length, 10, 'what is remembered does not grow with the storm');
});

test('the rate is that of the errors before the storm was one', (t) => {
  const story = exhausted();
  const calm = serving(2);
  const sky = new Sky(calm);
  for (let tenth = 0; tenth < 40; tenth++) sky.errors(100).wait(100);
  const { news } = erred(sky.weather, 100, story.fleet, calm.host.now(), policy);
  t.is(news?.type === 'begun' && Math.round(news.perSecond), 1025);
});

test('its end is told once, with all that was in it', (t) => {
  const sky = new Sky(exhausted());
  for (let tenth = 0; tenth < 50; tenth++) sky.errors(250).wait(100, tenth === 20 ? 1 : 0);
  sky.errors(30).wait(9999);
  t.is(sky.said.length, 1);
  sky.wait(1).wait(60_000);
  t.deepEqual(sky.said.slice(1), [
    'the error storm is over: 12530 errors in 5 s, at most 2500 in a second; 11 workers replaced; 2 faulty workers still wait for a successor',
  ]);
});

test('errors that replacements keep up with are no storm, nor are those of the only worker', (t) => {
  const one = serving(1).faulted(1);
  const two = serving(2);
  for (let id = 1; id <= 9; id++)
    two
      .faulted(id)
      .ready(id + 2)
      .left(id);
  for (const story of [one, two.faulted(10)]) {
    const sky = new Sky(story);
    for (let second = 0; second < 5; second++) sky.errors(3).wait(1000);
    t.deepEqual(sky.said, []);
  }
});

test('a trickle behind a storm does not keep it going once no faulty worker serves', (t) => {
  const story = exhausted();
  const sky = new Sky(story).errors(100);
  t.is(sky.said.length, 1);
  // A minute later the intensity lets both be replaced.
  story.wait(60_000).ready(13, 14).left(11, 12);
  sky.errors(1);
  sky.wait(0);
  t.regex(
    sky.said[1] ?? '',
    /^the error storm is over: 101 errors in 1 s, at most 100 in a second; 10 workers replaced$/,
  );
  t.is(sky.errors(1).wait(1000).said.length, 2);
});

test('a stop ends a storm', (t) => {
  const story = exhausted();
  const sky = new Sky(story).errors(100);
  story.tell({ type: 'stop-asked' });
  t.regex(sky.wait(0).said[1] ?? '', /^the error storm is over: 100 errors/);
});
