// One bed: placeholder until its page is here.

import { element } from "./words.js";

export class BedPage {
  constructor(root, live, screen, bed) {
    Object.assign(this, { live, screen, bed });
    root.replaceChildren(element("p", {}, bed.id));
  }
  update() {}
  tick() {}
  close() {}
}
