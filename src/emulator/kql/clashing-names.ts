/** The dictionary of the runtime that Kusto's parser is compiled for, as far as it is mended here. */
interface Dictionary {
  /** Whether keys are properties of a plain object rather than hashed. */
  isSimpleKey: boolean;
  readonly entries: { readonly length: number } | null;
  Insert(key: unknown, value: unknown, isNew: boolean): void;
  /** Moves the entries to a table of this size, and hashes their keys. */
  Resize$1(size: number, hashes: boolean): void;
}

type DictionaryClass = (...types: unknown[]) => { readonly prototype: Dictionary };

interface Collections {
  Dictionary$2: DictionaryClass;
}

/** The globals of that runtime. */
export interface BridgeRuntime {
  readonly System: { readonly Collections: { readonly Generic: Collections } };
}

/** Keys that a plain object does not hold as a property like any other, or by which it loses the method that looks keys up. */
const clashing = new Set<unknown>(["hasOwnProperty", "__proto__"]);

const patched = new WeakSet<object>();

/**
 * Lets the parser know columns, tables and other names that mean something to a plain JavaScript object. Its dictionaries keep
 * texts in one: a column `hasOwnProperty` broke each later query of its table, and `__proto__` was never found. A dictionary that
 * is given such a key hashes its keys from then on, as it does those of other types.
 *
 * It has to run before the parser is loaded, so that no dictionary is made without it.
 */
export function allowClashingNames(collections: Collections): void {
  const classOf = collections.Dictionary$2;
  if (patched.has(classOf)) return;
  collections.Dictionary$2 = new Proxy(classOf, {
    apply(target, self, types) {
      const made = Reflect.apply(target, self, types) as ReturnType<DictionaryClass>;
      if (!patched.has(made)) patchInsert(made.prototype);
      patched.add(made);
      return made;
    },
  });
  patched.add(collections.Dictionary$2);
}

function patchInsert(prototype: Dictionary): void {
  const insert = prototype.Insert;
  prototype.Insert = function (this: Dictionary, key, value, isNew) {
    if (this.isSimpleKey && clashing.has(key)) {
      this.isSimpleKey = false;
      if (this.entries !== null) this.Resize$1(this.entries.length, true);
    }
    insert.call(this, key, value, isNew);
  };
}
