@config
export class Settings {
  /** Digits that a number may have: those beyond become `*`. */
  @range(0, 100) readonly digits: u32 = 8;
}
