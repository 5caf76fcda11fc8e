/** The package's version, which the service and the logs are told; a test holds it to package.json. */
export const version = "0.1.0";
