@config
export class Settings {
  /** Members to take out, with a dot between the names of each level: `customer.email`. */
  readonly remove: string[];
}
