import { sqlText } from "../../../engine/physical.ts";
import { principalText } from "../../../security/principal.ts";
import type { Functions } from "./call.ts";

/** Who asks; empty where nobody logs in. */
export const principals: Functions = {
  current_principal: ({ at }) => {
    const { access } = at.context.shared;
    return sqlText(access ? principalText(access.principal) : "");
  },
};
