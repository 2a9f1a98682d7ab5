/** Performs the scenario's plan again and again as long as the storm lasts. */
import type { World } from '../world/world.js';
import type { Cuts } from './cuts.js';
import type { Membership } from './membership.js';
import { PLANS } from './plans.js';
import { type Plan, Stage } from './stage.js';

export class Director {
  readonly #world: World;
  readonly #stage: Stage;
  #plan: Plan | undefined;
  performed = 0;

  constructor(world: World, cuts: Cuts, membership: Membership) {
    this.#world = world;
    this.#stage = new Stage(world, cuts, membership);
  }

  start(): void {
    const { plan } = this.#world.scenario;
    if (plan !== 'none') this.#later(this.#stage.electionMs);
  }

  /** Ends the plan wherever it is, and undoes what it has done. */
  end(): void {
    this.#plan?.return();
    this.#plan = undefined;
    this.#stage.clear();
  }

  #later(withinMs: number): void {
    const { random } = this.#stage;
    this.#world.schedule.after(random.between(0, withinMs), () => {
      if (this.#world.isStorm) this.#later(this.#go() ? this.#world.scenario.tickMs : this.#stage.electionMs);
    });
  }

  /** To the plan's next wait; false if it is through. */
  #go(): boolean {
    const { plan: name } = this.#world.scenario;
    if (name === 'none') return false;
    this.#plan ??= PLANS[name](this.#stage);
    if (this.#plan.next().done !== true) return true;
    this.#world.log.note('fault', '', `${name} is through`);
    this.performed += 1;
    this.end();
    return false;
  }
}
