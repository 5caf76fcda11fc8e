/** The hosts of one of Azure's clouds that may be given its tokens. */
interface CloudHosts {
  /** Domains: all below them. */
  readonly below: readonly string[];
  readonly hosts: readonly string[];
}

/**
 * By the login authority of each cloud. Source: wellKnownKustoEndpoints.json of azure-kusto-node, -python and -java; a test
 * compares the first. Those lists lack Fabric of the US Government, whose domain is fabric.microsoft.us (azure-sdk-for-cpp, the
 * endpoints of OneLake; documentation of Fabric for GCC High).
 */
export const clouds: Readonly<Record<string, CloudHosts>> = {
  "https://login.microsoftonline.com": {
    below: [
      "api.securityplatform.microsoft.com",
      "arg-df.core.windows.net",
      "arg-int.core.windows.net",
      "arg.core.windows.net",
      "azureplayfab.com",
      "dxp-dev.aad.azure.com",
      "dxp.aad.azure.com",
      "kusto.azuresynapse.net",
      "kusto.data.microsoft.com",
      "kusto.fabric.microsoft.com",
      "kusto.windows.net",
      "kustodev.azuresynapse-dogfood.net",
      "kustodev.windows.net",
      "kustomfa.windows.net",
      "playfab.com",
      "playfabapi.com",
      "securitycenter.windows.com",
    ],
    hosts: [
      "ade.applicationinsights.io",
      "ade.loganalytics.io",
      "adx.aimon.applicationinsights.azure.com",
      "adx.applicationinsights.azure.com",
      "adx.int.applicationinsights.azure.com",
      "adx.int.loganalytics.azure.com",
      "adx.int.monitor.azure.com",
      "adx.loganalytics.azure.com",
      "adx.monitor.azure.com",
      "api.securityplatform.microsoft.com",
      "eu.kusto.aria.microsoft.com",
      "kusto.aria.microsoft.com",
    ],
  },
  "https://login.microsoftonline.us": {
    below: [
      "arg.core.usgovcloudapi.net",
      "kusto.fabric.microsoft.us",
      "kusto.usgovcloudapi.net",
      "kustomfa.usgovcloudapi.net",
    ],
    hosts: ["adx.applicationinsights.azure.us", "adx.loganalytics.azure.us", "adx.monitor.azure.us"],
  },
  "https://login.partner.microsoftonline.cn": {
    below: [
      "arg.core.chinacloudapi.cn",
      "kusto.azuresynapse.azure.cn",
      "kusto.chinacloudapi.cn",
      "kustomfa.chinacloudapi.cn",
      "playfab.cn",
    ],
    hosts: ["adx.applicationinsights.azure.cn", "adx.loganalytics.azure.cn", "adx.monitor.azure.cn"],
  },
  "https://login.microsoftonline.eaglex.ic.gov": {
    below: ["arg.core.eaglex.ic.gov", "kusto.core.eaglex.ic.gov", "kustomfa.core.eaglex.ic.gov"],
    hosts: monitors("eaglex.ic.gov"),
  },
  "https://login.microsoftonline.microsoft.scloud": {
    below: ["arg.core.microsoft.scloud", "kusto.core.microsoft.scloud", "kustomfa.core.microsoft.scloud"],
    hosts: monitors("microsoft.scloud"),
  },
  "https://login.sovcloud-identity.fr": {
    below: ["kusto.sovcloud-api.fr", "kustomfa.sovcloud-api.fr"],
    hosts: monitors("fr"),
  },
  "https://login.sovcloud-identity.de": {
    below: ["kusto.sovcloud-api.de", "kustomfa.sovcloud-api.de"],
    hosts: monitors("de"),
  },
  "https://login.sovcloud-identity.sg": {
    below: ["kusto.sovcloud-api.sg", "kustomfa.sovcloud-api.sg"],
    hosts: monitors("sg"),
  },
};

/** Azure Monitor answers Kusto's protocol too. */
function monitors(suffix: string): string[] {
  return ["applicationinsights", "loganalytics", "monitor"].map((service) => `adx.${service}.azure.${suffix}`);
}

/** A host of Kusto, in any of Azure's clouds. The name is as `URL` writes it, without a dot at its end. */
export function isKustoHost(name: string): boolean {
  return Object.values(clouds).some(
    ({ below, hosts }) => hosts.includes(name) || below.some((domain) => name.endsWith(`.${domain}`)),
  );
}

/** The login authority of one of Azure's clouds. */
export function isKnownAuthority(url: string): boolean {
  return Object.hasOwn(clouds, url.toLowerCase().replace(/\/+$/, ""));
}
