import { documented } from "./examples.ts";

const shapes = `let shapes = datatable (name: string, sideCount: int) ["triangle", 3, "square", 4, "rectangle", 4, "pentagon", 5, "hexagon", 6, "heptagon", 7, "octagon", 8, "nonagon", 9, "decagon", 10];`;

documented({
  "arg_max()": [
    [
      'datatable(Fruit: string, Color: string, Version: int) ["Apple", "Red", 1, "Apple", "Green", int(null), "Banana", "Yellow", int(null), "Banana", "Green", int(null), "Pear", "Brown", 1, "Pear", "Green", 2] | summarize arg_max(Version, *) by Fruit',
      '[["Apple",1,"Red"],["Banana",null,"Yellow"],["Pear",2,"Green"]]',
    ],
  ],
  "arg_min()": [
    [
      'datatable(Fruit: string, Color: string, Version: int) ["Apple", "Red", 1, "Apple", "Green", int(null), "Banana", "Yellow", int(null), "Banana", "Green", int(null), "Pear", "Brown", 1, "Pear", "Green", 2] | summarize arg_min(Version, *) by Fruit',
      '[["Apple",1,"Red"],["Banana",null,"Yellow"],["Pear",1,"Brown"]]',
    ],
  ],
  "avg() and avgif()": [["range x from 1 to 100 step 1 | summarize avg(x), avgif(x, x%2 == 0)", "[[50.5,51]]"]],
  "binary_all_and()": [
    [
      "datatable(num:long) [0xFFFFFFFF, 0xFFFFF00F, 0xFFFFFFFD, 0xFFFFFFFF] | summarize result = toupper(tohex(binary_all_and(num)))",
      '[["FFFFF00D"]]',
    ],
  ],
  "binary_all_or()": [
    [
      "datatable(num:long) [0x88888008, 0x42000000, 0x00767000, 0x00000005] | summarize result = toupper(tohex(binary_all_or(num)))",
      '[["CAFEF00D"]]',
    ],
  ],
  "binary_all_xor()": [
    [
      "datatable(num:long) [0x44404440, 0x1E1E1E1E, 0x90ABBA09, 0x000B105A] | summarize result = toupper(tohex(binary_all_xor(num)))",
      '[["CAFEF00D"]]',
    ],
  ],
  "count()": [
    [
      'datatable(state:string) ["OHIO", "TEXAS", "OHIO"] | summarize Count=count() by state',
      '[["OHIO",2],["TEXAS",1]]',
    ],
  ],
  "countif()": [
    [
      'let T = datatable(name:string, day_of_birth:long) ["John", 9, "Paul", 18, "George", 25, "Ringo", 7]; T | summarize countif(strlen(name) > 4)',
      "[[2]]",
    ],
  ],
  "make_bag()": [
    [
      'let T = datatable(prop:string, value:string) ["prop01", "val_a", "prop02", "val_b", "prop03", "val_c"]; T | extend p = bag_pack(prop, value) | summarize dict=make_bag(p)',
      '[[{"prop01":"val_a","prop02":"val_b","prop03":"val_c"}]]',
    ],
  ],
  "make_bag_if()": [
    [
      'let T = datatable(prop:string, value:string, predicate:bool) ["prop01", "val_a", true, "prop02", "val_b", false, "prop03", "val_c", true]; T | extend p = bag_pack(prop, value) | summarize dict=make_bag_if(p, predicate)',
      '[[{"prop01":"val_a","prop03":"val_c"}]]',
    ],
  ],
  "make_list()": [
    [
      `${shapes} shapes | summarize mylist = make_list(name)`,
      '[[["triangle","square","rectangle","pentagon","hexagon","heptagon","octagon","nonagon","decagon"]]]',
    ],
    [
      `${shapes} shapes | summarize mylist = make_list(name) by isEvenSideCount = sideCount % 2 == 0`,
      '[[false,["triangle","pentagon","heptagon","nonagon"]],[true,["square","rectangle","hexagon","octagon","decagon"]]]',
    ],
    [
      `${shapes} shapes | extend d = bag_pack("name", name, "sideCount", sideCount) | summarize mylist = make_list(d) by isEvenSideCount = sideCount % 2 == 0 | where isEvenSideCount == false`,
      '[[false,[{"name":"triangle","sideCount":3},{"name":"pentagon","sideCount":5},{"name":"heptagon","sideCount":7},{"name":"nonagon","sideCount":9}]]]',
    ],
  ],
  "make_list_if()": [
    [
      'let T = datatable(name:string, day_of_birth:long) ["John", 9, "Paul", 18, "George", 25, "Ringo", 7]; T | summarize make_list_if(name, strlen(name) > 4)',
      '[[["George","Ringo"]]]',
    ],
  ],
  "make_list_with_nulls()": [
    [
      'let shapes = datatable (name:string , sideCount: int) ["triangle", int(null), "square", 4, "rectangle", 4, "pentagon", 5, "hexagon", 6, "heptagon", 7, "octagon", 8, "nonagon", 9, "decagon", 10]; shapes | summarize mylist = make_list_with_nulls(sideCount)',
      "[[[null,4,4,5,6,7,8,9,10]]]",
    ],
  ],
  "make_set()": [
    [
      "datatable (Val: int, Arr1: dynamic) [1, dynamic(['A1', 'A2', 'A3']), 5, dynamic(['A2', 'C1']), 7, dynamic(['C2', 'A3']), 5, dynamic(['C2', 'A1'])] | summarize Val_set=make_set(Val), Arr1_set=make_set(Arr1)",
      '[[[1,5,7],["A1","A2","A3","C1","C2"]]]',
    ],
  ],
  "make_set_if()": [
    [
      'let T = datatable(name:string, day_of_birth:long) ["John", 9, "Paul", 18, "George", 25, "Ringo", 7]; T | summarize make_set_if(name, strlen(name) > 4)',
      '[[["George","Ringo"]]]',
    ],
  ],
  "percentile()": [
    [
      "range x from 1 to 100 step 1 | summarize percentile(x, 95), percentiles(x, 5, 50), percentiles_array(x, dynamic([25, 75]))",
      "[[95,5,50,[25,75]]]",
    ],
  ],
  "percentilesw()": [
    [
      "datatable(Count:long, Bucket:long) [1, 1, 1, 2, 3, 3] | summarize percentilew(Bucket, Count, 50), percentilesw(Bucket, Count, 20, 90)",
      "[[3,1,3]]",
    ],
  ],
  "stdev()": [["range x from 1 to 5 step 1 | summarize make_list(x), stdev(x)", "[[[1,2,3,4,5],1.5811388300841898]]"]],
  "variance()": [
    ["range x from 1 to 5 step 1 | summarize make_list(x), variance(x)", "[[[1,2,3,4,5],2.5]]"],
    [
      "range x from 1 to 5 step 1 | summarize make_list(x), variancep(x), stdevp(x)",
      "[[[1,2,3,4,5],2,1.4142135623730951]]",
    ],
    ["range x from 1 to 100 step 1 | summarize varianceif(x, x%2 == 0)", "[[850]]"],
  ],
  "sumif()": [
    [
      'let T = datatable(name:string, day_of_birth:long) ["John", 9, "Paul", 18, "George", 25, "Ringo", 7]; T | summarize sumif(day_of_birth, strlen(name) > 4)',
      "[[32]]",
    ],
  ],
  "take_any()": [
    ['datatable(a:string, b:long)["x", 1] | summarize take_any(a, b), take_anyif(b, b > 0)', '[["x",1,1]]'],
  ],
  "summarize operator": [
    [
      "datatable(x:long)[] | summarize count(), sum(x), avg(x), make_list(x), make_set(x), max(x), dcount(x)",
      '[[0,0,"NaN",[],[],null,0]]',
    ],
    ["datatable(x:long)[] | summarize count() by x", "[]"],
  ],
  "dcount()": [
    [
      'datatable(x:string)["a", "b", "a"] | summarize dcount(x), dcountif(x, x == "a"), count_distinct(x), count_distinctif(x, x == "b")',
      "[[2,1,2,1]]",
    ],
  ],
});
