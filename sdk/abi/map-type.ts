// Header maps. Read by asc and by tsc.

export const RequestHeaders = 0;
export const RequestTrailers = 1;
export const ResponseHeaders = 2;
export const ResponseTrailers = 3;
export const GrpcInitialMetadata = 4;
export const GrpcTrailingMetadata = 5;
export const HttpCallResponseHeaders = 6;
export const HttpCallResponseTrailers = 7;
