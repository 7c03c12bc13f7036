/** A thing the shop sells; the catalog's JSON. */
export interface Item {
  readonly id: number;
  readonly color: string;
  readonly department: string;
  readonly name: string;
  /** Dollars and cents: `282.00`. */
  readonly price: string;
  /** Only version 2 of the catalog has one. */
  readonly imageUrl?: string;
}

/** What the catalog starts with. */
export const firstItems: readonly Item[] = [
  { id: 1, color: "amber", department: "Eyewear", name: "Elinor Glasses", price: "282.00" },
  { id: 2, color: "cyan", department: "Clothing", name: "Atlas Shirt", price: "127.00" },
  { id: 3, color: "teal", department: "Clothing", name: "Small Metal Shoes", price: "232.00" },
  { id: 4, color: "red", department: "Watches", name: "Red Dragon Watch", price: "232.00" },
];
