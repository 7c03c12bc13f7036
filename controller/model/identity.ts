/** Who a workload is: its service account. SPIFFE, with Istio's path. */
export interface Identity {
  /** `cluster.local` */
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** `spiffe://cluster.local/ns/shop/sa/cart`: the URI in a workload's certificate. */
export function spiffeId({ trustDomain, namespace, serviceAccount }: Identity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
